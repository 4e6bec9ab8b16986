import { defineConfig } from "vite";

// The server sends index.html at /map and everything else below /map-assets/, under a policy that allows
// no inline script or style and no data: script: so nothing is inlined and no polyfill is injected.
export default defineConfig({
  base: "/map-assets/",
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    reportCompressedSize: false,
  },
});
