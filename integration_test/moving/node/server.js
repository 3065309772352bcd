"use strict";
// The application of integration_test/internal/rig on the Node library, behind Express,
// as that library's documentation sets it up. The environment names the database; the
// address goes to stdout.

const express = require("express");
const sessions = require("supertokens-node-mysql-ref-jwt/express");

const { DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, DB_NAME, ACCESS_SECONDS } = process.env;

const config = {
  mysql: {
    host: DB_HOST, port: Number(DB_PORT), user: DB_USER, password: DB_PASSWORD, database: DB_NAME, connectionLimit: 20,
  },
  tokens: {
    accessToken: { validity: Number(ACCESS_SECONDS) }, // below 10 needs TEST_MODE=testing
    refreshToken: { renewTokenPath: "/auth/session/refresh" },
  },
  cookie: { domain: "", secure: true, sameSite: "lax" },
};

// Express 4 does not see a rejected promise by itself.
const route = (handler) => (req, res, next) => handler(req, res).catch(next);
const payload = { role: "user" };

async function me(req, res) {
  const session = await sessions.getSession(req, res, req.method !== "GET");
  res.json({ user: String(session.getUserId()), payload: session.getJWTPayload() });
}

function routes() {
  const app = express();
  app.disable("etag");
  app.post("/login", route(async (req, res) => {
    const user = req.query.number ? Number(req.query.number) : req.query.user;
    await sessions.createNewSession(res, user, req.query.reserved ? { exp: 1 } : payload);
    res.json({ ok: true });
  }));
  app.get("/me", route(me));
  app.get("/strict", route(me));
  app.put("/data", route(async (req, res) => {
    const session = await sessions.getSession(req, res, true);
    await session.updateSessionInfo(req.query.value);
    res.json({ ok: true, user: String(session.getUserId()) });
  }));
  app.post("/auth/session/refresh", route(async (req, res) => {
    await sessions.refreshSession(req, res);
    res.json(null);
  }));
  app.post("/auth/signout", route(async (req, res) => {
    const session = await sessions.getSession(req, res, true);
    await session.revokeSession();
    res.json({ ok: true });
  }));
  app.use((err, req, res, next) => refuse(err, res).catch(next));
  return app;
}

// refuse answers as the kit does. Ending the family of a stolen token is the
// application's own affair with that library.
async function refuse(err, res) {
  const { UNAUTHORISED, TRY_REFRESH_TOKEN, UNAUTHORISED_AND_TOKEN_THEFT_DETECTED } = sessions.Error;
  if (sessions.Error.isErrorFromAuth(err)) {
    switch (err.errType) {
      case UNAUTHORISED:
        return res.status(401).send('{"message":"unauthorised"}');
      case TRY_REFRESH_TOKEN:
        return res.status(401).send('{"message":"try refresh token"}');
      case UNAUTHORISED_AND_TOKEN_THEFT_DETECTED:
        await sessions.revokeSessionUsingSessionHandle(err.err.sessionHandle);
        return res.status(401).send('{"message":"token theft detected"}');
    }
  }
  console.error(err);
  return res.status(500).json({ message: "error" });
}

async function main() {
  await sessions.init(config);
  const server = routes().listen(0, "127.0.0.1", () => {
    console.log(`listening 127.0.0.1:${server.address().port}`);
  });
  server.keepAliveTimeout = 60_000;
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
