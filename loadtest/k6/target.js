// What the four runs share: where they shoot, what counts as good, and what is printed.
import http from 'k6/http';
import { check } from 'k6';

const url = (__ENV.BASE_URL || 'http://127.0.0.1:8080') + (__ENV.TARGET_PATH || '/');

export function number(name, otherwise) {
  const value = Number(__ENV[name] || otherwise);
  if (!(value > 0)) throw new Error(`${name} must be a number above 0`);
  return value;
}

/** Bars on the share of failed requests and on p99 in milliseconds; either is overridden by the environment. */
export function thresholds(failed, p99) {
  return {
    http_req_failed: [`rate<=${__ENV.MAX_FAILED || failed}`],
    http_req_duration: [`p(99)<=${number('P99_MS', p99)}`],
    checks: [`rate>=${1 - Number(__ENV.MAX_FAILED || failed)}`],
  };
}

/** The connection is to the machine under test; names are not looked up anew, bodies are not kept. */
export const common = {
  discardResponseBodies: true,
  userAgent: 'airgate-loadtest',
  summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'p(99.9)', 'max'],
};

export function get() {
  const response = http.get(url, { timeout: '10s' });
  check(response, { 'status is 200': (answer) => answer.status === 200 });
}
