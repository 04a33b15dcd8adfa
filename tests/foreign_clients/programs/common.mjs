// The address, and the report of checks: shared by all programs for Node.
export const BASE_URL = process.env.BASE_URL; // of the server, with /v1
export const KEY = process.env.KEY;
export const MODEL = "simulated-chat";
export const EMBEDDINGS = "simulated-embeddings";
export const QUESTION = "What is the weather in Paris?";

export const weather = ({ city }) => `It is sunny in ${city}.`;

export function expect(condition, what) {
  if (!condition) throw new Error(`${what} is missing`);
}

// Run each check, and print what they found as one line of JSON: empty if it passed, otherwise the fault.
export async function report(checks) {
  const found = {};
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      found[name] = "";
    } catch (error) {
      console.error(error);
      found[name] = `${error.name}: ${error.message}`.slice(0, 300);
    }
  }
  console.log(JSON.stringify(found));
  process.exit(0);
}
