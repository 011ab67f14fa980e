import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { pack } from "./pack";

/** Where the API of a running stack is; `npm run dev` passes its calls on. */
const api = process.env.OPENLAKE_API ?? "http://127.0.0.1:8780";

export default defineConfig({
  plugins: [
    tanstackRouter({ target: "react", autoCodeSplitting: true }),
    react(),
    tailwindcss(),
    pack(),
  ],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: {
    port: 5173,
    // The editor of jobs takes their JSON schema from the repository.
    fs: { allow: [".", "../spec/openlake-orchestrator"] },
    proxy: { "/api": { target: api, xfwd: true }, "/health": api },
  },
  build: { target: "es2023", chunkSizeWarningLimit: 1600 },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
