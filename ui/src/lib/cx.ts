import { type ClassValue, clsx } from "clsx";
import { twMerge } from "tailwind-merge";

/** Join class names; of two that set the same thing the later one holds. */
export function cx(...classes: ClassValue[]): string {
  return twMerge(clsx(classes));
}
