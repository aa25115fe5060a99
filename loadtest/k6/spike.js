// Does it survive a crowd, and recover? Calm, ten times the rate within two seconds, calm again.
// A gateway may shed load in the spike (503), so one request in a hundred may fail.
//   k6 run -e BASE_RATE=200 loadtest/k6/spike.js
import { common, get, number, thresholds } from './target.js';

const calm = number('BASE_RATE', 200); // requests a second
const crowd = calm * 10;

export const options = {
  ...common,
  thresholds: thresholds(0.01, 1000),
  scenarios: {
    spike: {
      executor: 'ramping-arrival-rate',
      startRate: calm,
      timeUnit: '1s',
      preAllocatedVUs: 200,
      maxVUs: number('MAX_VUS', 2000),
      stages: [
        { duration: '20s', target: calm },
        { duration: '2s', target: crowd },
        { duration: '20s', target: crowd },
        { duration: '2s', target: calm },
        { duration: '30s', target: calm },
      ],
    },
  },
};

export default get;
