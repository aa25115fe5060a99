// Where is the limit? The rate climbs in five steps to PEAK requests a second, whether or not answers keep up.
//   k6 run -e PEAK=5000 loadtest/k6/ramp.js
import { common, get, number, thresholds } from './target.js';

const peak = number('PEAK', 2000); // requests a second

const step = (share) => [
  { duration: '10s', target: Math.ceil(peak * share) },
  { duration: '20s', target: Math.ceil(peak * share) },
];

export const options = {
  ...common,
  // A dropped iteration is a request that found no free user: the server, or k6 itself, is past its limit.
  thresholds: { ...thresholds(0.001, 250), dropped_iterations: [`count<=${peak}`] },
  scenarios: {
    ramp: {
      executor: 'ramping-arrival-rate',
      startRate: Math.ceil(peak / 10),
      timeUnit: '1s',
      preAllocatedVUs: 100,
      maxVUs: number('MAX_VUS', 1000),
      stages: [...step(0.2), ...step(0.4), ...step(0.6), ...step(0.8), ...step(1), { duration: '10s', target: 0 }],
    },
  },
};

export default get;
