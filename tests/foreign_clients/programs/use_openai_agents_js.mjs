// OpenAI's Agents SDK for JavaScript.
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from "@openai/agents";
import { z } from "zod";
import { BASE_URL, expect, KEY, MODEL, QUESTION, report, weather } from "./common.mjs";

setTracingDisabled(true);

const runner = (useResponses) =>
  new Runner({ modelProvider: new OpenAIProvider({ apiKey: KEY, baseURL: BASE_URL, useResponses }) });
const tools = [
  tool({ name: "weather", description: "Weather", parameters: z.object({ city: z.string() }), execute: weather }),
];

await report({
  chat: async () => {
    const agent = new Agent({ name: "a", model: MODEL });
    expect((await runner(false).run(agent, "hello")).finalOutput, "text");
  },
  stream: async () => {
    const agent = new Agent({ name: "a", model: MODEL });
    const result = await runner(false).run(agent, "hello", { stream: true });
    let count = 0;
    for await (const _ of result) count += 1;
    expect(count > 1 && result.finalOutput, "text");
  },
  tools: async () => {
    const agent = new Agent({ name: "a", model: MODEL, tools });
    expect((await runner(false).run(agent, QUESTION)).finalOutput, "text");
  },
  structured_output: async () => {
    const agent = new Agent({ name: "a", model: MODEL, outputType: z.object({ name: z.string() }) });
    expect((await runner(false).run(agent, "Somebody")).finalOutput.name !== undefined, "name");
  },
  responses: async () => {
    const agent = new Agent({ name: "a", model: MODEL, tools });
    expect((await runner(true).run(agent, QUESTION)).finalOutput, "text");
  },
});
