"use strict";
// Records sessions of supertokens-node-mysql-ref-jwt 5.0.4 into recorded.json, once: run
// it beside that library's node_modules, with DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and
// DB_NAME of an empty database.
const mysql = require("mysql");
const sessions = require("supertokens-node-mysql-ref-jwt");

const { DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, DB_NAME } = process.env;
const at = { host: DB_HOST, port: Number(DB_PORT), user: DB_USER, password: DB_PASSWORD, database: DB_NAME };

function query(db, text) {
  return new Promise((resolve, reject) => db.query(text, (err, rows) => (err ? reject(err) : resolve(rows))));
}

async function main() {
  await sessions.init({
    mysql: at, tokens: { refreshToken: { renewTokenPath: "/refresh" } }, cookie: { domain: "example.com" },
  });
  const users = [
    ["ada", { role: "editor" }, { cart: [1, 2.5] }],
    [17, undefined, undefined],
    [1.5e-7, null, null],
    ["Grüße, 世界", "text", ["a", "b"]],
    ['{"json":1}', 0, false],
  ];
  const recorded = [];
  for (const [user, payload, data] of users) {
    const first = await sessions.createNewSession(user, payload, data);
    const child = await sessions.refreshSession(first.refreshToken.value);
    recorded.push({ user: String(user), handle: first.session.handle, now: Date.now(), current: first.refreshToken.value, child: child.newRefreshToken.value });
  }
  const first = await sessions.createNewSession("moved-on", {}, {});
  const child = await sessions.refreshSession(first.refreshToken.value);
  await sessions.getSession(child.newAccessToken.value, null); // the child is the current one now
  recorded.push({
    user: "moved-on", handle: first.session.handle, now: Date.now(), current: child.newRefreshToken.value, replaced: first.refreshToken.value,
  });
  const db = mysql.createConnection(at);
  const keys = await query(db, "SELECT * FROM signing_key WHERE key_name = 'refresh_token_key'");
  const rows = await query(db, "SELECT * FROM refresh_token ORDER BY session_handle");
  const tables = [await query(db, "SHOW CREATE TABLE signing_key"), await query(db, "SHOW CREATE TABLE refresh_token")];
  console.log(JSON.stringify({ key: keys[0].key_value, tables: tables.map((t) => t[0]["Create Table"]), rows, sessions: recorded }, null, 1));
  process.exit(0);
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
