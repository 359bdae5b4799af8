/** What `build.mjs` takes into app.css. */
declare module "*.css";
