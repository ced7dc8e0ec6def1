/**
 * Milliseconds of processor time that this process has used. For tests of what an input may cost: unlike the time on the wall, it says the
 * same on a machine that is busy with something else.
 */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
