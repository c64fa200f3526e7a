// Swagger UI has dark colours of its own, which follow the theme of the page from before the first paint.
{
  const root = document.documentElement;
  const preference = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    const { theme } = root.dataset;
    root.classList.toggle("dark-mode", theme ? theme === "dark" : preference.matches);
  };
  follow();
  preference.addEventListener("change", follow);
  new MutationObserver(follow).observe(root, { attributeFilter: ["data-theme"] });
}
