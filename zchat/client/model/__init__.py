"""What a person reads: every room and private conversation, folded from entries; no screen here."""
