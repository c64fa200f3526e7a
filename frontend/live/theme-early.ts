import "../style/main.css";

/** Before the first paint: the theme this person chose, so that nothing flashes. */
const chosen = localStorage.getItem("palmares-theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
