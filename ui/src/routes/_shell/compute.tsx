import { createFileRoute } from "@tanstack/react-router";
import { ComputePage } from "@/features/compute/compute-page";

export const Route = createFileRoute("/_shell/compute")({ component: ComputePage });
