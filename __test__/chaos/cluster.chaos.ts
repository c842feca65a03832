import { matrix } from './matrix.js';
import { cluster } from './worlds/cluster.js';

await matrix(cluster);
