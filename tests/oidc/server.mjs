// A real OpenID provider on loopback, as tests configure it: one JSON document on standard input, then it
// serves until it is told to end. Nobody types a password: the header "x-person" says who sits at the browser.
//
//   issuer, port     where it is
//   jwks             its private keys; the first of a kind signs
//   clients          as the package has them
//   people           claims by account; "scopes" says which scope shows which claims
//   slim             identity tokens without claims, which are then at the userinfo endpoint alone
//   resources        audiences of access tokens in the form of JWTs, and the claims in those
import { createServer } from 'node:http';
import { webcrypto } from 'node:crypto';

// What the package expects of newer versions of node than Debian 12 has.
globalThis.crypto ??= webcrypto;
URL.parse ??= (address, base) => (URL.canParse(address, base) ? new URL(address, base) : null);
const { default: Provider, errors } = await import('oidc-provider');

let text = '';
for await (const chunk of process.stdin) text += chunk;
const wanted = JSON.parse(text);

const provider = new Provider(wanted.issuer, {
  jwks: wanted.jwks,
  clients: wanted.clients,
  cookies: { keys: ['for tests only'] },
  claims: { openid: ['sub', 'auth_time'], ...wanted.scopes },
  scopes: ['openid', 'offline_access'],
  conformIdTokenClaims: wanted.slim,
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_, resource) => {
        if (!(resource in wanted.resources)) throw new errors.InvalidTarget();
        return { scope: 'api', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 600 };
      },
    },
  },
  extraTokenClaims: (_, token) => wanted.resources[token.aud] ?? {},
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) =>
    id in wanted.people ? { accountId: id, claims: () => ({ sub: id, ...wanted.people[id] }) } : undefined,
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope(['openid', 'offline_access', ...Object.keys(wanted.scopes)].join(' '));
    await grant.save();
    return grant;
  },
});

const serve = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return serve(request, response);
  const person = request.headers['x-person'];
  const result = person
    ? { login: { accountId: person }, consent: {} } // native clients are asked each time
    : { error: 'access_denied', error_description: 'nobody is at the browser' };
  try {
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  } catch (error) {
    response.writeHead(400).end(error.name);
  }
}).listen(wanted.port, '127.0.0.1', () => console.log('listening'));
