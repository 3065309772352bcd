// Verifies tokens by jose, as a service in Node.js would. verifiers_test.go says what
// comes in and goes out.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const order = JSON.parse(readFileSync(0, 'utf8'))
const require = createRequire(import.meta.url)
const answer = { version: JSON.parse(readFileSync(require.resolve('jose/package.json'))).version, verdicts: {} }
for (const service of order.services) {
  const keys = createRemoteJWKSet(new URL(service.jwks))
  const verdicts = (answer.verdicts[service.algorithm] = {})
  for (const [name, token] of Object.entries(service.tokens)) {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: order.issuer,
        audience: order.audience,
        algorithms: [service.alg],
        typ: 'at+jwt',
        requiredClaims: ['exp', 'sub'],
      })
      verdicts[name] = { user: payload.sub }
    } catch (err) {
      verdicts[name] = { refused: `${err.code ?? err.name}: ${err.message}` }
    }
  }
}
console.log(JSON.stringify(answer))
