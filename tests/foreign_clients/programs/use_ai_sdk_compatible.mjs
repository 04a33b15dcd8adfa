// Vercel's AI SDK with its provider for compatible servers.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { BASE_URL, EMBEDDINGS, expect, KEY, MODEL, QUESTION, report, weather } from "./common.mjs";

const provider = createOpenAICompatible({
  name: "ours",
  baseURL: BASE_URL,
  apiKey: KEY,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = provider(MODEL);

await report({
  chat: async () => expect((await generateText({ model, prompt: "hello" })).text, "text"),
  stream: async () => {
    let text = "";
    for await (const piece of streamText({ model, prompt: "hello" }).textStream) text += piece;
    expect(text, "text");
  },
  tools: async () => {
    const tools = { weather: tool({ inputSchema: z.object({ city: z.string() }), execute: weather }) };
    const result = await generateText({ model, prompt: QUESTION, tools, stopWhen: stepCountIs(3) });
    expect(result.text, "text");
  },
  structured_output: async () => {
    const schema = z.object({ name: z.string(), age: z.number() });
    const result = await generateText({ model, prompt: "Somebody", output: Output.object({ schema }) });
    expect(result.output.name !== undefined, "name");
  },
  embeddings: async () => {
    const result = await embed({ model: provider.textEmbeddingModel(EMBEDDINGS), value: "a" });
    expect(result.embedding.length, "a vector");
  },
});
