// Does it leak or drift? A steady, moderate load for DURATION; watch the gateway's memory beside it.
//   k6 run -e DURATION=8h -e VUS=50 loadtest/k6/soak.js
import { sleep } from 'k6';
import { common, get, number, thresholds } from './target.js';

const users = number('VUS', 50);

export const options = {
  ...common,
  thresholds: thresholds(0.0001, 250),
  stages: [
    { duration: '1m', target: users },
    { duration: __ENV.DURATION || '1h', target: users },
    { duration: '1m', target: 0 },
  ],
};

export default function () {
  get();
  sleep(0.01); // a user, not a flood: about 100 requests a second each at most
}
