// How the demo is built: few files, named by their content, the same bytes each time.
import { defineConfig } from "vite";

const server = process.env.DUOLOGUE_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "./",
  resolve: { conditions: ["duologue-source", "module", "browser", "development|production"] },
  server: {
    proxy: {
      "/v1": { target: server, ws: true },
      "/media": { target: server },
    },
  },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: {
      output: {
        // The server knows names that never mean other bytes by their eight hexadecimal digits.
        hashCharacters: "hex",
        entryFileNames: "duologue-[hash].js",
        chunkFileNames: "duologue-[hash].js",
        assetFileNames: "duologue-[hash][extname]",
      },
    },
  },
});
