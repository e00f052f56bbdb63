/* A library without the entry symbol. */
int berth_plugin_entrance(void);
int berth_plugin_entrance(void) {
  return 0;
}
