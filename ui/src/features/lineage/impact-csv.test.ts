import { expect, it } from "vitest";
import { impactCsv } from "./impact-csv";

it("writes a line for each, quoted where needed, and no formulas", () => {
  const common = { id: "x", distance: 1, task_keys: [] as string[], hidden: false };
  const text = impactCsv([
    { ...common, kind: "job", name: 'a "b", c', task_keys: ["d", "e"], owner: "ada", last_at: 0 },
    { ...common, kind: "table", name: "=1+1", last_at: 1_000 },
    { ...common, kind: "job", name: "", hidden: true },
  ]);
  expect(text.split("\r\n")).toEqual([
    "kind,name,distance,tasks,owner,last,next_run",
    'job,"a ""b"", c",1,d e,ada,,',
    "table,'=1+1,1,,,1970-01-01T00:00:01.000Z,",
    "job,(another job),1,,,,",
    "",
  ]);
});
