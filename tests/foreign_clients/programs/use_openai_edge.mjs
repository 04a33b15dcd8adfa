// openai-edge, which sends requests with fetch.
import { Configuration, OpenAIApi } from "openai-edge";
import { BASE_URL, EMBEDDINGS, expect, KEY, MODEL, report } from "./common.mjs";

const client = new OpenAIApi(new Configuration({ apiKey: KEY, basePath: BASE_URL }));
const request = { model: MODEL, messages: [{ role: "user", content: "hello" }] };

await report({
  chat: async () => expect((await (await client.createChatCompletion(request)).json()).choices[0].message, "message"),
  stream: async () => {
    const answer = await client.createChatCompletion({ ...request, stream: true });
    expect((await answer.text()).includes("data: [DONE]"), "the end");
  },
  embeddings: async () => {
    const answer = await client.createEmbedding({ model: EMBEDDINGS, input: "a" });
    expect((await answer.json()).data.length, "a vector");
  },
});
