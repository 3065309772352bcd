package servers

import (
	"database/sql"

	"gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// bound gives every pool the same size, and keeps its connections open.
func bound(pool *sql.DB) {
	pool.SetMaxOpenConns(Connections)
	pool.SetMaxIdleConns(Connections)
}

func openGORM(dsn string) (*gorm.DB, error) {
	db, err := gorm.Open(mysql.Open(dsn), &gorm.Config{})
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	bound(pool)
	return db, nil
}
