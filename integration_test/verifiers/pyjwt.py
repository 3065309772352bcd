"""Verifies tokens by PyJWT, as a service in Python would. verifiers_test.go says what
comes in and goes out."""

import json
import sys

import jwt

order = json.load(sys.stdin)
answer = {"version": jwt.__version__, "verdicts": {}}
for service in order["services"]:
    keys = jwt.PyJWKClient(service["jwks"])
    verdicts = answer["verdicts"][service["algorithm"]] = {}
    for name, token in service["tokens"].items():
        try:
            claims = jwt.decode(
                token,
                keys.get_signing_key_from_jwt(token).key,
                algorithms=[service["alg"]],
                issuer=order["issuer"],
                audience=order["audience"],
                options={"require": ["exp", "sub"]},
            )
            verdicts[name] = {"user": claims["sub"]}
        except jwt.PyJWTError as err:
            verdicts[name] = {"refused": f"{type(err).__name__}: {err}"}
json.dump(answer, sys.stdout)
