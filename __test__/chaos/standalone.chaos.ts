import { matrix } from './matrix.js';
import { standalone } from './worlds/standalone.js';

await matrix(standalone);
