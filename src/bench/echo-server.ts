/**
 * The program that `bench serve` holds the service against: a plain fastify server that parses bodies and writes an answer
 * given beforehand. It has no model, so what it takes is the least that HTTP and JSON of these sizes cost on this machine.
 */
import fastify from 'fastify';

const app = fastify({ bodyLimit: 64 * 1024 * 1024 });
let answer: unknown = {};

app.put('/answer', async ({ body }) => {
  answer = body;
  return {};
});
app.post('/echo', async () => answer);
app.get('/cpu', async () => {
  const { user, system } = process.cpuUsage();
  return { seconds: (user + system) / 1e6 };
});

process.on('disconnect', () => process.exit(0));

const address = await app.listen({ host: '127.0.0.1', port: 0 });
process.send?.({ port: Number(new URL(address).port) });
