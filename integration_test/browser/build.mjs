// Bundles the test page once for each front end that package.json lists, into
// dist/<version>.js. The packages are not touched: the bundler puts their files
// into one, as every application does.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL(".", import.meta.url));
const prefix = "supertokens-website-";
const { devDependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));

// 4.x serves axios through an entry of its own.
function entry(alias) {
  const axios = existsSync(`${root}node_modules/${alias}/axios.js`);
  return [
    `import * as frontEnd from "${alias}";`,
    axios ? `import * as axiosEntry from "${alias}/axios";` : "const axiosEntry = undefined;",
    'import { open } from "./page/page.js";',
    "open(frontEnd, axiosEntry);",
  ].join("\n");
}

rmSync(`${root}dist`, { recursive: true, force: true });
await Promise.all(
  Object.keys(devDependencies)
    .filter((name) => name.startsWith(prefix))
    .map((alias) =>
      build({
        stdin: { contents: entry(alias), resolveDir: root },
        outfile: `${root}dist/${alias.slice(prefix.length)}.js`,
        bundle: true,
        platform: "browser",
        target: "chrome100",
        charset: "utf8",
        // Versions before 8 look into process, which bundlers of their time put in.
        define: { process: '{"env":{}}' },
        logLevel: "warning",
      }),
    ),
);
