/** The switch between light, dark, and what the system says. */
const KEY = "palmares-theme";
const ORDER = ["system", "light", "dark"] as const;

export function nextTheme(current: string | null): (typeof ORDER)[number] {
  const index = ORDER.indexOf((current ?? "system") as (typeof ORDER)[number]);
  return ORDER[(index + 1) % ORDER.length] as (typeof ORDER)[number];
}

export function enableThemeSwitch(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-theme-switch]")) {
    const label = () => {
      const theme = { light: "Light", dark: "Dark" }[localStorage.getItem(KEY) ?? ""] ?? "Auto";
      button.textContent = theme;
      button.setAttribute("aria-label", `Theme: ${theme.toLowerCase()}`);
    };
    label();
    button.addEventListener("click", () => {
      const theme = nextTheme(localStorage.getItem(KEY));
      if (theme === "system") {
        localStorage.removeItem(KEY);
        delete document.documentElement.dataset.theme;
      } else {
        localStorage.setItem(KEY, theme);
        document.documentElement.dataset.theme = theme;
      }
      label();
    });
  }
}
