// LlamaIndex for JavaScript.
import { OpenAI, OpenAIEmbedding } from "@llamaindex/openai";
import { BASE_URL, EMBEDDINGS, expect, KEY, MODEL, report } from "./common.mjs";

const model = new OpenAI({ model: MODEL, apiKey: KEY, baseURL: BASE_URL });
const messages = [{ role: "user", content: "hello" }];

await report({
  chat: async () => expect((await model.chat({ messages })).message.content, "text"),
  stream: async () => {
    let text = "";
    for await (const piece of await model.chat({ messages, stream: true })) text += piece.delta;
    expect(text, "text");
  },
  embeddings: async () => {
    const embedder = new OpenAIEmbedding({ model: EMBEDDINGS, apiKey: KEY, baseURL: BASE_URL });
    expect((await embedder.getTextEmbedding("a")).length, "a vector");
  },
});
