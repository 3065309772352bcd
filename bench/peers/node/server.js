"use strict";
// The seed's Node library behind Express, as its documentation sets it up.
// The environment names the database; the address goes to stdout.

const express = require("express");
const sessions = require("supertokens-node-mysql-ref-jwt/express");

const { DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, DB_NAME, DB_CONNECTIONS, REFRESH_PATH } = process.env;

const config = {
  mysql: {
    host: DB_HOST,
    port: Number(DB_PORT),
    user: DB_USER,
    password: DB_PASSWORD,
    database: DB_NAME,
    connectionLimit: Number(DB_CONNECTIONS),
  },
  tokens: { refreshToken: { renewTokenPath: REFRESH_PATH } },
  cookie: { domain: "127.0.0.1", secure: false, sameSite: "lax" }, // plain HTTP on loopback
};

// Express 4 does not see a rejected promise by itself.
const route = (handler) => (req, res, next) => handler(req, res).catch(next);

function routes() {
  const app = express();
  // Gin does neither, and it is the session check that is compared.
  app.disable("etag");
  app.disable("x-powered-by");

  app.post("/login", route(async (req, res) => {
    await sessions.createNewSession(res, req.query.user);
    res.json({ message: "welcome" });
  }));
  app.get("/me", route(async (req, res) => {
    const session = await sessions.getSession(req, res, false); // a GET: no anti-CSRF
    res.json({ userId: session.getUserId() });
  }));
  app.post(REFRESH_PATH, route(async (req, res) => {
    await sessions.refreshSession(req, res);
    res.json(null);
  }));
  app.use((err, req, res, next) => {
    const auth = sessions.Error.isErrorFromAuth(err) && err.errType !== sessions.Error.GENERAL_ERROR;
    if (!auth) console.error(err);
    res.status(auth ? 440 : 500).json({ message: auth ? "session expired" : "error" });
  });
  return app;
}

async function main() {
  await sessions.init(config);
  const server = routes().listen(0, "127.0.0.1", () => {
    console.log(`listening 127.0.0.1:${server.address().port}`);
  });
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
