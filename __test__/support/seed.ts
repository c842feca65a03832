/**
 * What random tests begin with. The same in every run, so that one commit has one result; `FERRODIS_SEED` explores others,
 * of which a failure names its own.
 */
export const SEED: number = Number(process.env.FERRODIS_SEED ?? 1);
