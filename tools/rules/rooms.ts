// Every folder under src/ stands in the plan, and every module shows itself the same way.

import { MODULES, ROOMS, roomOf } from "./house.ts";
import type { Fault, Rule } from "./source.ts";

/** No room without a row in the table: who may import it would be nobody's rule. */
export const roomsStandInThePlan: Rule = (files) => {
  const rooms = new Set(files.map((file) => roomOf(file.path)).filter((room) => room !== undefined));
  return [...rooms]
    .filter((room) => !(room in ROOMS))
    .map((room): Fault => ({ path: `src/${room}`, line: 1, message: "not in the plan: add it to tools/rules/house.ts" }));
};

/** A README of one screen in every room, and a face in every module. */
export const roomsIntroduceThemselves: Rule = (files) => {
  const paths = new Set(files.map((file) => file.path));
  const built = Object.keys(ROOMS).filter((room) => files.some((file) => roomOf(file.path) === room));
  const needed = (room: string): string[] => ((MODULES as readonly string[]).includes(room) ? ["README.md", "index.ts"] : ["README.md"]);
  return built.flatMap((room) =>
    needed(room)
      .map((name) => `src/${room}/${name}`)
      .filter((path) => !paths.has(path))
      .map((path): Fault => ({ path, line: 1, message: "missing" })),
  );
};
