/** Files that are served as they are: with the type "file" an import is a path. */
declare module "swagger-ui-dist/*" {
  const path: string;
  export default path;
}
declare module "*/docs-page/start.js" {
  const path: string;
  export default path;
}
