import { defineConfig } from "vite";

export default defineConfig({
  // The page works under whatever path it is put.
  base: "./",
  build: {
    // Nothing as a data: address, which the page's own rules forbid.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    emptyOutDir: true,
    target: "es2022",
  },
  worker: { format: "es" },
  // What is shared with the page of the service lies beside this folder.
  server: { fs: { allow: [".."] } },
});
