import './model/invited';
import '@fontsource-variable/figtree/wght.css';
import 'maplibre-gl/dist/maplibre-gl.css';
import './styles/base.css';
import './styles/panel.css';
import './styles/map.css';
import './styles/dialog.css';
import { render } from 'preact';
import { installHook } from './model/hook';
import { begin } from './model/live';
import { Shell } from './ui/shell';

installHook();
render(<Shell />, document.getElementById('app') as HTMLElement);
begin();
