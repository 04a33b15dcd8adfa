// An OpenID Connect issuer of oauth2-mock-server with addresses to steer it. Prints its port.
import { createServer } from "node:http";
import { OAuth2Issuer, OAuth2Service } from "oauth2-mock-server";

const issuer = new OAuth2Issuer();
const service = new OAuth2Service(issuer);
const counts = { keys: 0, available: true };
// Entra ID serves the keys of each tenant below its id.
const KEYS = /^(\/jwks|\/[\w-]+\/discovery\/v2\.0\/keys)$/;

const steering = {
  // Signs exactly these claims, with the newest key.
  "/steer/sign": async (body) => {
    const kid = newest;
    return issuer.buildToken({ kid, scopesOrTransform: (header, payload) => replace(header, payload, body) });
  },
  "/steer/rotate": async ({ algorithm = "RS256" }) => {
    newest = (await issuer.keys.generate(algorithm)).kid;
    return newest;
  },
  "/steer/available": async ({ available }) => (counts.available = available),
  // Adds claims to the tokens of people who sign in, and names the issuer as browsers reach it.
  "/steer/people": async ({ claims, host }) => {
    people = claims;
    issuer.url = `http://${host}:${server.address().port}`;
    return issuer.url;
  },
  "/steer/counts": async () => counts,
  "/steer/keys": async () => issuer.keys.toJSON(),
};
let people = {};
service.on("beforeTokenSigning", (token) => Object.assign(token.payload, people));
let newest = (await issuer.keys.generate("RS256")).kid;

function replace(header, payload, { claims, without = [] }) {
  for (const name of without) delete payload[name];
  Object.assign(payload, claims);
}

const server = createServer(async (request, response) => {
  const path = request.url.split("?")[0];
  if (path in steering) {
    let body = "";
    for await (const block of request) body += block;
    response.end(JSON.stringify(await steering[path](JSON.parse(body || "{}"))));
    return;
  }
  if (!counts.available) {
    response.writeHead(503).end();
    return;
  }
  if (KEYS.test(path)) {
    counts.keys += 1;
    request.url = "/jwks";
  }
  service.requestHandler(request, response);
});
server.listen(0, "127.0.0.1", () => {
  issuer.url = `http://127.0.0.1:${server.address().port}`;
  console.log(server.address().port);
});
// It lives as long as the test that started it.
process.stdin.on("end", () => process.exit(0)).resume();
