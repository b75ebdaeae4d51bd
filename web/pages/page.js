// What the components share: times in words, the theme, and the browser's back and forward.
globalThis.mooring = (() => {
  const THEMES = ["system", "light", "dark"];
  const STORED = "mooring-theme";
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const UNITS = [["year", 31536e6], ["month", 2592e6], ["day", 864e5], ["hour", 36e5], ["minute", 6e4]];

  const theme = () => (THEMES.includes(localStorage.getItem(STORED)) ? localStorage.getItem(STORED) : THEMES[0]);
  const applyTheme = () => Quasar.Dark.set({ system: "auto", light: false, dark: true }[theme()]);

  return {
    theme,
    isDark: () => theme() === "dark" || (theme() === "system" && matchMedia("(prefers-color-scheme: dark)").matches),
    nextTheme() {
      localStorage.setItem(STORED, THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
      applyTheme();
      return theme();
    },
    start() {
      applyTheme();
      addEventListener("popstate", () => emitEvent("address", location.search.slice(1)));
    },
    ago(at, now) {
      const [unit, size] = UNITS.find(([, size]) => Math.abs(now - at) >= size) || ["now"];
      return unit === "now" ? "just now" : relative.format(Math.trunc((at - now) / size), unit);
    },
    // Below the button that opens it, within the window.
    placePopover(popover, button) {
      const { bottom, left } = button.getBoundingClientRect();
      const width = Math.min(360, innerWidth - 16);
      Object.assign(popover.style, {
        width: `${width}px`, top: `${bottom + 6}px`, left: `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`,
        maxHeight: `${innerHeight - bottom - 18}px`,
      });
    },
    date: (at) => new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }),
  };
})();
