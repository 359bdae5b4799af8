"""Users in the database: tables, migrations, and what the core is loaded from."""
