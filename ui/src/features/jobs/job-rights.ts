import type { JobOverview } from "@/api/job-overviews";

const MAY_MANAGE = ["IS_OWNER", "CAN_MANAGE"];

/** True when the user may start, cancel and repair runs of the job. */
export function canRun(job: JobOverview): boolean {
  return canManage(job) || job.permission_level === "CAN_MANAGE_RUN";
}

/** True when the user may change the job. */
export function canManage(job: JobOverview): boolean {
  return MAY_MANAGE.includes(job.permission_level);
}
