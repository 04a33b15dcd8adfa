// Shared by the checks: a client for each setup of the proxy, and the report of their results; the counterpart of
// tests/e2e/clients/harness.py. Environment: URL of the server, API_KEY, and UPSTREAM, the simulator behind the models
// whose names begin with "wire-". Those that begin with "sim-" are simulated inside the proxy.

import assert from "node:assert/strict";
import OpenAI, { AzureOpenAI } from "openai";

const { URL: url, API_KEY: key, UPSTREAM: upstream } = process.env;
export const API_VERSION = "2025-04-01-preview";

export class Lacks extends Error {}

class ClientSetup {
  constructor(name, family, Client, where) {
    const options = { ...where, maxRetries: 0, timeout: 30_000 };
    Object.assign(this, { name, family, upstream: family === "wire" });
    this.another = (apiKey) => new Client({ ...options, apiKey });
    this.client = this.another(key);
  }

  model(kind = "chat") {
    return `${this.family}-${kind}`;
  }

  // The last request as the upstream received it.
  async seen() {
    return (await fetch(`${upstream}/simulator/last`)).json();
  }
}

const setups = [
  new ClientSetup("OpenAI", "sim", OpenAI, { baseURL: `${url}/v1` }),
  new ClientSetup("OpenAI", "wire", OpenAI, { baseURL: `${url}/v1` }),
  new ClientSetup("AzureOpenAI", "wire", AzureOpenAI, { endpoint: url, apiVersion: API_VERSION }),
  new ClientSetup("OpenAI at /openai/v1", "wire", OpenAI, { baseURL: `${url}/openai/v1` }),
];

export async function collect(stream) {
  const found = [];
  for await (const each of stream) found.push(each);
  return found;
}

// Calls, reads the answer to its end, and returns the error, which has to be of exactly this class.
export async function refused(kind, call, streamed = false) {
  try {
    const answer = await call();
    if (streamed) await collect(answer);
  } catch (error) {
    assert.equal(error.constructor.name, kind.name, String(error));
    return error;
  }
  throw new Error(`no ${kind.name} was thrown`);
}

// `operations` maps the name of an operation to its checks. One report per setup, as harness.py describes it.
export async function run(operations) {
  const runs = [];
  for (const setup of setups) {
    const checks = {};
    for (const [operation, each] of Object.entries(operations)) {
      for (const [name, check] of Object.entries(each)) {
        checks[`${operation}: ${name.replaceAll("_", " ")}`] = await result(check, setup);
      }
    }
    runs.push({ setup: setup.name, family: setup.family, checks });
  }
  return runs;
}

async function result(check, setup) {
  try {
    await check(setup);
    return {};
  } catch (error) {
    return error instanceof Lacks ? { lacks: error.message } : { fault: String(error.stack ?? error) };
  }
}
