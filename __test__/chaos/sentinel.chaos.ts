import { matrix } from './matrix.js';
import { sentinel } from './worlds/sentinel.js';

await matrix(sentinel);
