// Command submit takes hand-ins from the inbox and posts jobs to the vendor.
package main

import "emodrop/shared/app"

func main() { app.Start(app.Submit) }
