// Before the first paint: the theme this person chose, so that nothing flashes. A script of its own, run at once, because
// modules run too late and the content security policy allows none in the page.
{
  const chosen = localStorage.getItem("palmares-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
