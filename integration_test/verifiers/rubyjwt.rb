# frozen_string_literal: true

# Verifies tokens by ruby-jwt, as a service in Ruby would. verifiers_test.go says what
# comes in and goes out.

require 'json'
require 'jwt'
require 'net/http'

order = JSON.parse($stdin.read)
answer = { version: JWT.gem_version.to_s, verdicts: {} }
order['services'].each do |service|
  keys = nil
  loader = lambda do |_options|
    keys ||= JSON.parse(Net::HTTP.get(URI(service['jwks'])), symbolize_names: true)
  end
  answer[:verdicts][service['algorithm']] = service['tokens'].transform_values do |token|
    claims, = JWT.decode(token, nil, true, {
                           algorithms: [service['alg']], jwks: loader,
                           iss: order['issuer'], verify_iss: true,
                           aud: order['audience'], verify_aud: true,
                           required_claims: %w[exp sub]
                         })
    { user: claims['sub'] }
  rescue StandardError => e
    { refused: "#{e.class}: #{e.message}" }
  end
end
puts JSON.generate(answer)
