/** The routes: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever restarts and routes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import type { HealthVerdict } from '../policy/health.ts';

/** What the routes show. */
export interface HttpSources {
  /** The exposition text and its content type. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** What `/healthz` says. */
  readonly liveness: () => HealthVerdict;
  /** What `/readyz` says. */
  readonly readiness: () => HealthVerdict | Promise<HealthVerdict>;
}

/** The application, without a socket. */
export function createRoutes({ metrics, liveness, readiness }: HttpSources): Hono {
  const app = new Hono();
  app.get('/metrics', async (context) => {
    const { contentType, body } = await metrics();
    return context.body(body, 200, { 'content-type': contentType });
  });
  app.get('/healthz', async (context) => {
    // A probe that came while the loop stood still is read before the lag is recorded; a timer's turn lets it be.
    await sleep(1);
    return answer(context, liveness());
  });
  app.get('/readyz', async (context) => answer(context, await readiness()));
  app.notFound((context) =>
    context.json({ error: 'not found; there are /metrics, /healthz and /readyz' }, 404),
  );
  app.onError((error, context) => context.json({ error: error.message }, 500));
  return app;
}

function answer(
  context: { json(body: unknown, status: 200 | 503, headers: Record<string, string>): Response },
  { isOk, problems }: HealthVerdict,
): Response {
  const status = isOk ? 200 : 503;
  return context.json({ ok: isOk, problems }, status, { 'cache-control': 'no-store' });
}
