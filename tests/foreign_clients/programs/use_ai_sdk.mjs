// Vercel's AI SDK with its provider for OpenAI.
import { createOpenAI } from "@ai-sdk/openai";
import { embed, generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { BASE_URL, EMBEDDINGS, expect, KEY, MODEL, QUESTION, report, weather } from "./common.mjs";

const openai = createOpenAI({ baseURL: BASE_URL, apiKey: KEY });
const model = openai.chat(MODEL);
const tools = {
  weather: tool({ description: "Weather in a city", inputSchema: z.object({ city: z.string() }), execute: weather }),
};

await report({
  chat: async () => expect((await generateText({ model, prompt: "hello" })).text, "text"),
  stream: async () => {
    const result = streamText({ model, prompt: "hello" });
    let text = "";
    for await (const piece of result.textStream) text += piece;
    expect(text, "text");
    expect((await result.usage).totalTokens, "usage");
  },
  tools: async () => {
    const result = await generateText({ model, prompt: QUESTION, tools, stopWhen: stepCountIs(3) });
    expect(result.steps.length > 1, "a call of a tool");
    expect(result.text, "text");
  },
  structured_output: async () => {
    const schema = z.object({ name: z.string(), age: z.number() });
    const result = await generateText({ model, prompt: "Somebody", output: Output.object({ schema }) });
    expect(result.output.name !== undefined, "name");
  },
  embeddings: async () => {
    const result = await embed({ model: openai.textEmbeddingModel(EMBEDDINGS), value: "a" });
    expect(result.embedding.length, "a vector");
  },
  responses: async () => {
    const result = await generateText({
      model: openai.responses(MODEL),
      prompt: QUESTION,
      tools,
      stopWhen: stepCountIs(3),
    });
    expect(result.text, "text");
  },
});
