// Before the first paint: a theme chosen by hand beats the system's. A file of its own because the page allows no inline script.
try {
  const chosen = localStorage.getItem('letshang.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // storage may be forbidden: the system's theme it is
}
