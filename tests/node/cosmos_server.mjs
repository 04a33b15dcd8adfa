// @vercel/cosmosdb-server with kept-alive connections, which its own command line does not have. Prints its port.
import cosmos from "@vercel/cosmosdb-server";

const server = cosmos.createHttpsServer({ keepAlive: true });
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => console.log(server.address().port));
// It lives as long as the test that started it.
process.stdin.on("end", () => process.exit(0)).resume();
