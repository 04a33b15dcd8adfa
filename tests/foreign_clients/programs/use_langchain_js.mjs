// LangChain for JavaScript.
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { z } from "zod";
import { BASE_URL, EMBEDDINGS, expect, KEY, MODEL, QUESTION, report, weather } from "./common.mjs";

const how = { apiKey: KEY, configuration: { baseURL: BASE_URL } };
const model = new ChatOpenAI({ model: MODEL, ...how });

await report({
  chat: async () => expect((await model.invoke("hello")).content, "text"),
  stream: async () => {
    let text = "";
    for await (const piece of await model.stream("hello")) text += piece.content;
    expect(text, "text");
  },
  tools: async () => {
    const schema = z.object({ city: z.string() });
    const bound = model.bindTools([tool(weather, { name: "weather", description: "Weather in a city", schema })]);
    const answer = await bound.invoke(QUESTION);
    expect(answer.tool_calls[0].name === "weather", "a call of a tool");
  },
  structured_output: async () => {
    const schema = z.object({ name: z.string(), age: z.number() });
    expect((await model.withStructuredOutput(schema, { name: "person" }).invoke("Somebody")).name !== undefined, "name");
  },
  embeddings: async () => {
    const vectors = await new OpenAIEmbeddings({ model: EMBEDDINGS, ...how }).embedDocuments(["a", "b"]);
    expect(vectors.length === 2, "two vectors");
  },
  responses: async () => {
    const answer = await new ChatOpenAI({ model: MODEL, useResponsesApi: true, ...how }).invoke("hello");
    expect(answer.text ?? answer.content, "text");
  },
});
