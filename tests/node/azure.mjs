// Features of Azure's class of clients: a deployment for the whole client, and tokens instead of a key.

import assert from "node:assert/strict";
import { AuthenticationError, AzureOpenAI } from "openai";
import { API_VERSION, collect, refused } from "./harness.mjs";

const messages = [{ role: "user", content: "Tell me about the amber basin" }];
const where = { endpoint: process.env.URL, apiVersion: API_VERSION, maxRetries: 0 };

export default {
  async a_deployment_for_the_whole_client(setup) {
    const client = new AzureOpenAI({ ...where, apiKey: setup.client.apiKey, deployment: setup.model() });
    assert.equal((await client.chat.completions.create({ model: "another", messages })).model, setup.model());
    const answer = await client.responses.create({ model: setup.model(), input: "hi" });
    assert.equal((await client.responses.retrieve(answer.id)).output_text, answer.output_text);
    assert.ok((await collect(await client.models.list())).some((model) => model.id === setup.model()));
  },

  async a_token_in_place_of_a_key(setup) {
    const clientOf = (token) => new AzureOpenAI({ ...where, azureADTokenProvider: async () => token });
    const ask = (client) => client.chat.completions.create({ model: setup.model(), messages });
    assert.ok((await ask(clientOf(setup.client.apiKey))).choices.length);
    await refused(AuthenticationError, () => ask(clientOf("wrong")));
  },
};
