// Does it answer at all? A few users for half a minute; every request must succeed.
//   k6 run -e BASE_URL=http://127.0.0.1:8080 loadtest/k6/smoke.js
import { common, get, thresholds } from './target.js';

export const options = {
  ...common,
  thresholds: thresholds(0, 100),
  stages: [
    { duration: '5s', target: 5 },
    { duration: '20s', target: 5 },
    { duration: '5s', target: 0 },
  ],
};

export default get;
